/** Every text that people read, in one place: another language is another file of this shape. */
export const texts = {
  title: "rta",
};
export type Texts = typeof texts;

/** Bytes or texts from outside that are not what they should be. Nothing else is thrown by readers of the wire. */
export class Malformed extends Error {
  override name = "Malformed";
}

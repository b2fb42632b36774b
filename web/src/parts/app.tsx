import type { Source } from "../source";
import { texts } from "../texts/en";

export function App({ source }: { source: Source }) {
  void source;
  return <main>{texts.title}</main>;
}

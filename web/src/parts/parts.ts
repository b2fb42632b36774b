/** What the parts of the page are given to work with. */

import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Info, Role } from "../service/info";
import type { Service } from "../service/service";
import type { SignIn } from "../service/sign_in";
import type { Source } from "../source";
import type { PageState } from "../state/page";
import type { Settings } from "../state/settings";

export interface Parts {
  source: Source;
  service: Service;
  signIn: SignIn;
  page: PageState;
  info: ReadonlySignal<Info | null>;
  role: ReadonlySignal<Role | null>;
  settings: ReadonlySignal<Settings>;
  change: (some: Partial<Settings>) => void;
  favourites: ReadonlySignal<ReadonlySet<string>>;
  toggle: (parameter: string) => void; // a favourite
  /** The plot that parameters are picked for; null: each makes a new one. */
  target: Signal<string | null>;
  /** There is room for the list of parameters beside the plots. */
  wide: ReadonlySignal<boolean>;
  /** What is open in front of the view. */
  dialog: Signal<DialogName | null>;
}

export type DialogName = "export" | "layouts" | "settings" | "keys" | "signIn" | "picker";

/** The views besides sessions and plots. Each is one component, shown while its tab is. */

import type { ComponentType } from "preact";
import type { Role } from "../service/info";
import type { Service } from "../service/service";
import type { Source } from "../source";
import type { Tab } from "../state/hash";
import type { Session } from "../worker/messages";

export interface BoardProps {
  source: Source;
  session: Session | null; // null: none is shown, or it is not known yet
  service: Service;
  role: Role | null; // null: not known yet, or none
}

export const BOARDS: Partial<Record<Tab, ComponentType<BoardProps>>> = {};

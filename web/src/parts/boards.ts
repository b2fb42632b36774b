/** The views besides sessions and plots. Each is one component, shown while its tab is. */

import type { ComponentType } from "preact";
import type { Role } from "../service/info";
import type { Service } from "../service/service";
import type { Source } from "../source";
import type { Tab } from "../state/hash";
import type { Zone } from "../state/view";
import type { Session } from "../worker/messages";
import { Alarms } from "./alarms/alarms";
import { Events } from "./events/events";
import { HealthBoard } from "./health/health";
import { Streams } from "./streams/streams";
import { Table } from "./table/table";

export interface BoardProps {
  source: Source;
  session: Session | null; // null: none is shown, or it is not known yet
  service: Service;
  role: Role | null; // null: not known yet, or none
  zone: Zone;
  look: (at: number) => void; // shows the plots around a time of the session
  hashOf: (sessions: string[]) => string; // of the plots of these
}

export const BOARDS: Partial<Record<Tab, ComponentType<BoardProps>>> = {
  table: Table,
  events: Events,
  streams: Streams,
  alarms: Alarms,
  health: HealthBoard,
};

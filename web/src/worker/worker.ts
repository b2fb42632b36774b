import { Desk } from "./desk";
import type { Command, Report } from "./messages";
import { Rest } from "./rest";

// The Worker's file is in the folder `page` of the service.
const rest = new Rest(new URL("../", location.href).href);
const desk = new Desk(rest, (report: Report, transfer: ArrayBuffer[] = []) => postMessage(report, { transfer }));

addEventListener("message", ({ data }: MessageEvent<Command>) => desk.handle(data));

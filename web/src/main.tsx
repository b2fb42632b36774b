import { render } from "preact";
import { App } from "./parts/app";
import { workerSource } from "./source";

declare const WORKER: string;

const source = workerSource(new Worker(WORKER, { type: "module" }));
render(<App source={source} />, document.body);

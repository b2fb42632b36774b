/** Colours of what is drawn, from plots.css: canvases do not know custom properties. */

export interface Theme {
  text: string;
  faint: string;
  grid: string;
  warn: string;
  surface: string;
  lines: string[];
  hatch: CanvasPattern;
  font: string;
}

export const COLOURS = 8;
export const MARKS = ["circle", "square", "triangle", "diamond", "cross", "plus", "down", "bar"] as const;
export type Mark = (typeof MARKS)[number];

export function readTheme(element: Element, scale: number): Theme {
  const style = getComputedStyle(element);
  const get = (name: string) => style.getPropertyValue(`--plots-${name}`).trim();
  return {
    text: get("text"),
    faint: get("faint"),
    grid: get("grid"),
    warn: get("warn"),
    surface: get("surface"),
    lines: Array.from({ length: COLOURS }, (_, at) => get(`line-${at + 1}`)),
    hatch: hatch(get("hatch"), scale),
    font: `${Math.round(11 * scale)}px ${style.fontFamily || "sans-serif"}`,
  };
}

/** Slanted strokes: where samples are missing. */
function hatch(colour: string, scale: number): CanvasPattern {
  const size = Math.round(8 * scale);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d")!;
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1, scale * 1.2);
  context.beginPath();
  for (const at of [-size, 0, size]) {
    context.moveTo(at - 1, size + 1);
    context.lineTo(at + size + 1, -1);
  }
  context.stroke();
  return context.createPattern(canvas, "repeat")!;
}

/** A mark is drawn on lines and in legends: lines are told apart without their colours. */
export function markPath(path: { moveTo(x: number, y: number): void; lineTo(x: number, y: number): void }, mark: Mark, x: number, y: number, r: number): void {
  const polygon = (points: [number, number][]) => {
    points.forEach(([dx, dy], at) => (at === 0 ? path.moveTo(x + dx * r, y + dy * r) : path.lineTo(x + dx * r, y + dy * r)));
    path.lineTo(x + points[0]![0] * r, y + points[0]![1] * r);
  };
  const arm = 0.35;
  switch (mark) {
    case "circle":
      return polygon(Array.from({ length: 12 }, (_, at) => [Math.cos((at * Math.PI) / 6), Math.sin((at * Math.PI) / 6)]));
    case "square":
      return polygon([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]);
    case "triangle":
      return polygon([[0, -1.1], [1.1, 0.9], [-1.1, 0.9]]);
    case "down":
      return polygon([[0, 1.1], [1.1, -0.9], [-1.1, -0.9]]);
    case "diamond":
      return polygon([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]);
    case "bar":
      return polygon([[-0.4, -1.3], [0.4, -1.3], [0.4, 1.3], [-0.4, 1.3]]);
    case "plus":
      return polygon([[-arm, -1.2], [arm, -1.2], [arm, -arm], [1.2, -arm], [1.2, arm], [arm, arm], [arm, 1.2], [-arm, 1.2], [-arm, arm], [-1.2, arm], [-1.2, -arm], [-arm, -arm]]);
    case "cross":
      return polygon([[0, -0.5], [0.7, -1.2], [1.2, -0.7], [0.5, 0], [1.2, 0.7], [0.7, 1.2], [0, 0.5], [-0.7, 1.2], [-1.2, 0.7], [-0.5, 0], [-1.2, -0.7], [-0.7, -1.2]]);
  }
}

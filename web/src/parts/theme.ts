import type { Theme } from "../state/settings";

const DARK = /prefers-color-scheme:\s*dark/;
const rules = new Set<CSSMediaRule>();

/** Light or dark as somebody wants it: the rules for a dark system count always, never, or as the system says. */
export function wear(theme: Theme) {
  if (rules.size === 0) for (const sheet of document.styleSheets) collect(sheet.cssRules);
  const media = { system: "(prefers-color-scheme: dark)", dark: "all", light: "not all" }[theme];
  for (const rule of rules) rule.media.mediaText = media;
  document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
}

function collect(list: CSSRuleList) {
  for (const rule of list) if (rule instanceof CSSMediaRule && DARK.test(rule.media.mediaText)) rules.add(rule);
}

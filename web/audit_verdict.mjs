// What the answer of `npm audit --json` means.

const GRAVE = ["high", "critical"];
const OURS = ["ENOLOCK", "EUSAGE", "EJSONPARSE"]; // faults of our own files

/** What `npm audit --json` has said, in words, and the exit status for it. */
export function verdict(said) {
  let report;
  try {
    report = JSON.parse(said);
  } catch {
    report = {};
  }
  const counts = report?.metadata?.vulnerabilities;
  if (counts === undefined) {
    const code = report?.error?.code;
    if (OURS.includes(code)) return { status: 1, words: `the packages of the page cannot be told: ${code}` };
    const why = report?.statusCode ?? code ?? "no answer";
    return { status: 75, words: `nobody could be asked what is known against the packages of the page: ${why}` };
  }
  const grave = Object.values(report.vulnerabilities ?? {}).filter(({ severity }) => GRAVE.includes(severity));
  if (grave.length > 0) return { status: 1, words: grave.map(({ name, severity, range }) => `${name} ${range}: ${severity}`).join("\n") };
  return { status: 0, words: `${report.metadata.dependencies?.total ?? 0} packages, nothing grave known; slight: ${counts.total ?? 0}` };
}

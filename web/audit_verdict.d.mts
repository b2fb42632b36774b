export function verdict(said: string): { status: 0 | 1 | 75; words: string };

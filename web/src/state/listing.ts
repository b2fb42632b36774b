/** Which page of which sessions is listed: what was searched, the conditions, and how far one has leafed. */

import type { Wanted } from "../service/query";

export interface Listing extends Wanted {
  page: number; // of sessions that have ended, from 0
}

export const emptyListing = (): Listing => ({ text: "", filters: [], page: 0 });

/** Of something else the first page is listed. */
export const search = (wanted: Wanted): Listing => ({ ...wanted, page: 0 });

/** Only another page of the same: nobody is typing. */
export const isLeafed = (before: Listing, now: Listing) => before.text === now.text && before.filters === now.filters;

/** How long the message of a step waited in its queue and was worked on, ms. */
export interface Timing {
  waitMs: number;
  workMs: number;
}

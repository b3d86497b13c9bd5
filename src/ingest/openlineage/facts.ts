/** A fact about a run, a job or a dataset: of two of one name the one with the greater key stays, whatever came first. */
export interface Fact {
  k: (number | string)[]
  v: unknown
}
export type Facts = Record<string, Fact>

/** The facts that are there. */
export const known = (facts: Record<string, Fact | undefined>): Facts =>
  Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, Fact] => entry[1] !== undefined))

/** The value is that of the greatest event: by its time, then by its hash. */
export const latest = (value: unknown, { micros, hash }: { micros: number; hash: string }): Fact | undefined =>
  value === undefined || value === null ? undefined : { k: [micros, hash], v: value }

/** The least time. */
export const earliest = (at: string, micros: number): Fact => ({ k: [-micros], v: at })
/** True from the first time that it is said. */
export const ever = (is: boolean): Fact | undefined => (is ? { k: [1], v: true } : undefined)

/** Microseconds since 1970 of a canonical instant (see core/instant.ts): exact in a double. */
export const microsOf = (instant: string): number => Date.parse(`${instant.slice(0, 23)}Z`) * 1000 + Number(instant.slice(23, 26))

import { bounds } from './bounds.ts'
import type { Method } from './method.ts'
import { robust } from './robust.ts'
import { zscore } from './zscore.ts'

/** Every method, by the name that a rule has. */
export const METHODS = { zscore, robust, bounds } as const satisfies Record<string, Method>

export type MethodName = keyof typeof METHODS

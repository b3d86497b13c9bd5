import type { Fault } from '../fault.ts'
import { CHECKS } from './checks.ts'
import { HTTP } from './http.ts'
import { JOBS } from './jobs.ts'
import { TELLING } from './telling.ts'
import { TRACKING } from './tracking.ts'

/** Neighbours have the same tests. */
export const FAULTS: Fault[] = [TRACKING, CHECKS, JOBS, HTTP, TELLING].flat()

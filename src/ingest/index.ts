import type { Feature } from '../features/feature.ts'
import { openlineage } from './openlineage/index.ts'
import { openlineageOut } from './openlineage-out/index.ts'
import { pings } from './ping/index.ts'

/** Every other way in: how runs are told without our API; and the way on, to other services. */
export const ingests: readonly Feature[] = [pings, openlineage, openlineageOut]

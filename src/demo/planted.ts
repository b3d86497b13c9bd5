import { LEVEL_RUNS } from '../checks/anomalies/level.ts'

/**
 * What is not normal in the runs of the pipelines with anomaly rules, on purpose: to be seen on the pages, and to count what the rules find. The
 * names are those of pipelines in company.ts.
 */
export type Oddity =
  /** A load without rows. */
  | 'empty'
  /** Four times the rows. */
  | 'flood'
  /** Three times as long. */
  | 'slow'
  /** From then on two and a half times the rows. */
  | 'level'

/** An event that concerns one or more pipelines; for each, how many runs ago: of a six-hourly pipeline four are a day. */
interface Event {
  what: string
  oddity: Oddity
  pipelines: string
  runsAgo: number[]
}

const EVENTS: Event[] = [
  {
    what: 'last night',
    oddity: 'empty',
    pipelines: 'extract-shop-orders extract-wms-shipments sync-stripe-charges sync-salesforce-leads',
    runsAgo: [0],
  },
  { what: 'last night', oddity: 'slow', pipelines: 'extract-shop-payments dbt-sales-fct-orders', runsAgo: [0] },
  { what: 'last night', oddity: 'flood', pipelines: 'extract-shop-coupons', runsAgo: [0] },
  { what: 'a day later loaded again', oddity: 'empty', pipelines: 'extract-shop-refunds', runsAgo: [1] },
  { what: 'a noisy neighbour', oddity: 'slow', pipelines: 'extract-wms-parcels sync-stripe-payouts', runsAgo: [1] },
  { what: 'a full scan', oddity: 'slow', pipelines: 'extract-shop-prices', runsAgo: [2] },
  { what: 'a feed sent four times', oddity: 'flood', pipelines: 'sync-amazon-orders', runsAgo: [2] },
  { what: 'an upstream model without rows', oddity: 'empty', pipelines: 'dbt-sales-fct-baskets', runsAgo: [6] },
  { what: 'no returns on a holiday', oddity: 'empty', pipelines: 'extract-wms-returns', runsAgo: [9] },
  { what: 'a lock', oddity: 'slow', pipelines: 'dbt-customers-dim-customer', runsAgo: [14] },
  {
    what: 'an outage of the warehouse system, for a day',
    oddity: 'empty',
    pipelines:
      'extract-wms-stock-movements extract-wms-suppliers extract-wms-inbound-deliveries extract-wms-locations extract-wms-pick-lists',
    runsAgo: [46, 45, 44, 43],
  },
  {
    what: 'an outage of the CRM, for a night',
    oddity: 'empty',
    pipelines: 'sync-salesforce-accounts sync-salesforce-contacts sync-salesforce-campaigns',
    runsAgo: [11],
  },
  {
    what: 'a database under load',
    oddity: 'slow',
    pipelines: 'extract-shop-order-lines extract-shop-customers extract-shop-carts extract-shop-products',
    runsAgo: [8],
  },
  {
    what: 'a backfill by mistake',
    oddity: 'flood',
    pipelines: 'sync-amazon-inventory sync-amazon-fees extract-wms-purchase-orders',
    runsAgo: [30],
  },
  { what: 'a queue replayed', oddity: 'flood', pipelines: 'dbt-sales-fct-subscriptions dbt-sales-agg-daily-sales', runsAgo: [10] },
  {
    what: 'a new market',
    oddity: 'level',
    pipelines: 'extract-shop-gift-cards sync-stripe-customers dbt-sales-fct-marketplace-orders',
    runsAgo: [7],
  },
]

const byPipeline = Map.groupBy(
  EVENTS.flatMap(({ pipelines, ...event }) => (pipelines.match(/\S+/g) ?? []).map((name) => ({ name, ...event }))),
  ({ name }) => name,
)

/** The names of the pipelines with something planted. */
export const PLANTED_PIPELINES: readonly string[] = [...byPipeline.keys()]

/** What is planted in the run of a pipeline that this many others have followed. */
export const oddityOf = (name: string, runsAgo: number): Oddity | undefined =>
  byPipeline
    .get(name)
    ?.find(({ oddity, runsAgo: planted }) => (oddity === 'level' ? runsAgo <= Math.max(...planted) : planted.includes(runsAgo)))?.oddity

/** A new level is to be found in its first runs. Then it is told, and the runs that follow are neither planted nor false alarms. */
export const isLevelTold = (name: string, runsAgo: number): boolean =>
  byPipeline.get(name)?.some(({ oddity, runsAgo: planted }) => oddity === 'level' && runsAgo <= Math.max(...planted) - LEVEL_RUNS) ?? false

/** The nightly runs of Northwind Goods, and its problems. The names are those of pipelines in company.ts. */

/** When a nightly run starts (UTC), the minutes between the starts of its steps, and the steps; a step may have steps of its own. */
export const ORCHESTRATIONS: Record<string, { hour: number; minute: number; minutesApart: number; steps: string }> = {
  'nightly-commerce': { hour: 1, minute: 0, minutesApart: 60, steps: 'commerce-loads commerce-models audit-orders-reconciliation' },
  'commerce-loads': {
    hour: 1,
    minute: 2,
    minutesApart: 6,
    steps: `extract-shop-orders extract-shop-order-lines extract-shop-customers extract-shop-carts extract-shop-payments extract-shop-refunds
      extract-shop-products extract-shop-prices`,
  },
  'commerce-models': {
    hour: 2,
    minute: 2,
    minutesApart: 6,
    steps: `dbt-stg-shop-orders dbt-stg-shop-payments dbt-stg-shop-coupons dbt-sales-fct-orders dbt-customers-dim-customer
      dbt-products-dim-product`,
  },
  'nightly-finance': {
    hour: 3,
    minute: 0,
    minutesApart: 10,
    steps: 'extract-erp-invoices extract-erp-ledger-entries extract-erp-cost-centers extract-erp-tax-rates finance-models',
  },
  'finance-models': {
    hour: 3,
    minute: 42,
    minutesApart: 5,
    steps: 'dbt-stg-erp-invoices dbt-stg-erp-bank-statements dbt-finance-fct-invoices',
  },
  'nightly-people': {
    hour: 0,
    minute: 30,
    minutesApart: 3,
    steps: `extract-people-employees extract-people-absences extract-people-shifts extract-people-payroll-runs extract-people-applicants
      dbt-stg-people-employees dbt-stg-people-applicants dbt-people-dim-employee`,
  },
  'nightly-crm': {
    hour: 2,
    minute: 15,
    minutesApart: 5,
    steps: `sync-salesforce-accounts sync-salesforce-contacts sync-salesforce-opportunities sync-salesforce-leads sync-salesforce-campaigns
      dbt-stg-salesforce-accounts`,
  },
  'nightly-payments': {
    hour: 0,
    minute: 10,
    minutesApart: 4,
    steps: 'sync-stripe-charges sync-stripe-payouts sync-stripe-disputes sync-stripe-balance-transactions sync-stripe-customers',
  },
  'morning-reports': {
    hour: 6,
    minute: 0,
    minutesApart: 4,
    steps: `report-sales-overview report-basket-funnel report-customer-360 report-campaign-performance report-stock-overview
      report-delivery-performance report-returns report-payouts`,
  },
  'nightly-features': {
    hour: 6,
    minute: 5,
    minutesApart: 5,
    steps: 'features-churn-risk features-basket-affinity features-fraud-signals features-price-elasticity features-customer-segments',
  },
}

/** The pipelines with a problem today, by problem. */
export const TROUBLES = {
  failed: `extract-shop-reviews extract-wms-stock-levels sync-google-ads-campaigns sync-salesforce-opportunities extract-erp-vendors
    dbt-logistics-fct-shipments export-supplier-orders`,
  hanging: 'extract-erp-bank-statements features-demand-forecast',
  late: `extract-shop-sessions sync-exchange-rates-rates dbt-marketing-fct-attribution dbt-inventory-fct-stock report-executive-summary
    export-tax`,
  /** Runs, but changes no rows. */
  silent: 'extract-erp-budgets sync-trustpilot-reviews extract-helpdesk-satisfaction-scores',
  /** No longer runs, but is still active. */
  stopped: 'sync-weather-forecasts dbt-platform-fct-deployments',
  inactive: 'extract-shop-wishlists sync-meta-ads-ad-sets features-email-timing report-marketplace export-payroll-hours',
  'muted and silent': 'extract-erp-assets sync-github-deployments dbt-marketing-fct-emails',
  'muted and late': 'features-search-ranking dbt-finance-fct-payouts',
}

export type Trouble = keyof typeof TROUBLES

/** Error messages of failed runs, by the type of the pipeline. A nightly run names its failed parts instead. */
export const FAILURES: Record<string, string[]> = {
  extraction: [
    'could not connect to the server of {source}: timeout expired',
    'FATAL: remaining connection slots are reserved for superusers',
    'column "discount_code" of {source} is not in {target}: the schema has changed',
    'canceling statement due to conflict with recovery: user query might have needed to see row versions that must be removed',
    'duplicate key value violates unique constraint in {target}',
  ],
  'api-integration': [
    '429 Too Many Requests from {source}: the daily quota is used up',
    '401 Unauthorized from {source}: the refresh token has expired',
    '503 Service Unavailable from {source}, after 5 attempts',
    'unexpected null for "currency" in page 14 of {source}',
  ],
  'dbt-transformation': [
    'Database Error in model {target}: division by zero',
    'Failure in test not_null on {target}: got 312 results, configured to fail if != 0',
    'Failure in test unique on {target}: got 8 results, configured to fail if != 0',
    '000630 (57014): statement reached its statement timeout of 3600 seconds and was canceled',
  ],
  'ml-features': ['OutOfMemoryError: the executor of {target} was killed with 31.8 of 32 GB in use', 'no rows in {source} for the window'],
  reporting: ['{target}: the query of tile 4 timed out after 300 seconds', 'field "gross_margin" is not in the explore'],
  export: [
    'AccessDenied writing to {target}: the role has lost s3:PutObject',
    'the receiver of {target} closed the connection after 12 MB',
  ],
  audit: ['difference of 0.7 % between {source} and its ledger is above the limit of 0.5 %', 'timed out waiting for a warehouse'],
}

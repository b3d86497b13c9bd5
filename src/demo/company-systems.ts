/**
 * The source systems of Northwind Goods, and the tables that are made from theirs, as lists of names. company.ts makes
 * pipelines and addresses from them.
 */
export interface System {
  name: string
  /** The part of an address before the table's name. */
  prefix: string
  owner: string
  everyHours: 1 | 6 | 24
  /** The hour of the first load of the day (UTC). */
  hour: number
  tables: string
  /** The number of first tables whose loads also read a table of changes. */
  withChanges?: number
  /** The number of first tables whose loads also write files. */
  archived?: number
  /** A table that is loaded every six hours, unlike the others. */
  rarely?: string
}

const northwind = (name: string) => ({ name, prefix: `${name}://northwind/` })
const tablesOf = (name: string) => ({ name, prefix: `${name}.public.` })

/** 88 tables in all, 36 of them from a vendor's API. */
export const SYSTEMS: System[] = [
  {
    ...tablesOf('shop'),
    owner: 'commerce',
    everyHours: 24,
    hour: 1,
    tables:
      'orders order_lines customers carts payments refunds products prices coupons reviews wishlists sessions gift_cards subscriptions',
    withChanges: 8,
    archived: 3,
  },
  {
    ...tablesOf('wms'),
    owner: 'logistics',
    everyHours: 6,
    hour: 0,
    tables: 'stock_levels stock_movements shipments parcels returns suppliers purchase_orders inbound_deliveries locations pick_lists',
    withChanges: 5,
  },
  {
    ...tablesOf('erp'),
    owner: 'finance',
    everyHours: 24,
    hour: 20,
    tables: 'invoices ledger_entries cost_centers tax_rates bank_statements assets budgets vendors',
    withChanges: 4,
  },
  {
    ...tablesOf('people'),
    owner: 'people',
    everyHours: 24,
    hour: 0,
    tables: 'employees absences shifts payroll_runs applicants',
    withChanges: 1,
  },
  { ...tablesOf('helpdesk'), owner: 'service', everyHours: 6, hour: 0, tables: 'tickets calls satisfaction_scores agents', withChanges: 2 },
  {
    name: 'events',
    prefix: 'kafka://events/',
    owner: 'platform',
    everyHours: 1,
    hour: 0,
    tables:
      'page_views searches add_to_cart checkouts app_opens push_clicks price_changes stock_alerts parcel_scans device_telemetry fraud_scores',
    archived: 11,
    rarely: 'device_telemetry',
  },
  {
    ...northwind('salesforce'),
    owner: 'sales',
    everyHours: 24,
    hour: 2,
    tables: 'accounts contacts opportunities leads campaigns',
    withChanges: 5,
  },
  {
    ...northwind('stripe'),
    owner: 'finance',
    everyHours: 24,
    hour: 0,
    tables: 'charges payouts disputes balance_transactions customers',
    withChanges: 5,
  },
  { ...northwind('google_ads'), owner: 'marketing', everyHours: 6, hour: 0, tables: 'campaigns ad_groups keywords conversions' },
  { ...northwind('meta_ads'), owner: 'marketing', everyHours: 6, hour: 1, tables: 'campaigns ad_sets insights' },
  { ...northwind('amazon'), owner: 'sales', everyHours: 6, hour: 2, tables: 'orders inventory settlements fees' },
  { ...northwind('zendesk'), owner: 'service', everyHours: 6, hour: 3, tables: 'tickets macros' },
  { ...northwind('klaviyo'), owner: 'marketing', everyHours: 6, hour: 4, tables: 'emails segments flows' },
  { ...northwind('dhl'), owner: 'logistics', everyHours: 6, hour: 5, tables: 'tracking tariffs pickups' },
  { ...northwind('google_analytics'), owner: 'marketing', everyHours: 6, hour: 3, tables: 'sessions events' },
  { ...northwind('exchange_rates'), owner: 'finance', everyHours: 24, hour: 16, tables: 'rates' },
  { ...northwind('weather'), owner: 'logistics', everyHours: 6, hour: 4, tables: 'forecasts' },
  { ...northwind('trustpilot'), owner: 'service', everyHours: 6, hour: 1, tables: 'reviews' },
  { ...northwind('github'), owner: 'platform', everyHours: 6, hour: 5, tables: 'deployments issues' },
]

/** The type of a database that is not Snowflake, by the first part of the address. Other addresses have their type before `://`. */
export const DATABASES: Record<string, string> = {
  shop: 'postgresql',
  wms: 'postgresql',
  erp: 'sqlserver',
  people: 'mysql',
  helpdesk: 'mysql',
  northwind_ml: 'bigquery',
}
/** The groups of the types before `://`; a type that is absent is an API. */
export const GROUPS: Record<string, string> = { s3: 'object-storage', kafka: 'stream', looker: 'dashboard' }

/** One pipeline per line: what it writes < what it reads. `system.table` is a table of staging, `@domain.table` a table of the marts. */
export const MARTS = `
sales.fct_orders sales.fct_order_lines < shop.orders shop.payments shop.products exchange_rates.rates
sales.fct_baskets sales.fct_conversions < shop.orders events.page_views events.add_to_cart
sales.fct_subscriptions sales.fct_gift_cards < shop.gift_cards shop.customers
sales.fct_marketplace_orders sales.fct_marketplace_fees < amazon.orders exchange_rates.rates
sales.agg_daily_sales sales.agg_weekly_sales < @sales.fct_orders @sales.fct_marketplace_orders weather.forecasts
customers.dim_customer customers.dim_address < shop.customers salesforce.accounts stripe.customers
customers.fct_lifetime_value customers.fct_churn < @customers.dim_customer @sales.fct_orders
customers.fct_reviews customers.fct_nps < trustpilot.reviews shop.coupons helpdesk.satisfaction_scores
customers.fct_tickets customers.agg_service_load < helpdesk.tickets zendesk.tickets @customers.dim_customer
marketing.fct_ad_spend marketing.dim_campaign < google_ads.campaigns meta_ads.campaigns salesforce.campaigns
marketing.fct_attribution marketing.agg_channel_return < @marketing.fct_ad_spend google_analytics.sessions @sales.fct_orders
marketing.fct_emails marketing.dim_segment < klaviyo.emails shop.wishlists
products.dim_product products.dim_category < shop.products shop.wishlists
products.fct_price_changes products.agg_margin < events.app_opens @products.dim_product
inventory.fct_stock inventory.agg_stock_cover < wms.stock_levels wms.locations @products.dim_product
inventory.fct_purchase_orders inventory.dim_supplier < wms.purchase_orders wms.returns
logistics.fct_shipments logistics.fct_parcels < wms.shipments dhl.tracking events.parcel_scans
logistics.fct_returns logistics.agg_return_rate < wms.returns @sales.fct_orders
logistics.agg_delivery_times logistics.dim_carrier < @logistics.fct_shipments dhl.tracking weather.forecasts
finance.fct_invoices finance.dim_cost_center < erp.invoices erp.cost_centers
finance.fct_ledger finance.agg_profit_and_loss < erp.invoices erp.budgets @finance.fct_invoices
finance.fct_payouts finance.fct_disputes < stripe.charges erp.bank_statements
people.dim_employee people.fct_shifts < people.employees people.shifts people.applicants
platform.fct_deployments platform.fct_incidents < github.deployments zendesk.tickets`

export const FEATURES = `
churn_risk churn_history < @customers.fct_churn @customers.dim_customer
basket_affinity product_embeddings < @sales.fct_baskets @products.dim_product
demand_forecast demand_history < @sales.agg_daily_sales @inventory.fct_stock
delivery_estimate carrier_scores < @logistics.agg_delivery_times @logistics.dim_carrier
fraud_signals fraud_history < @sales.fct_orders @finance.fct_disputes
price_elasticity price_history < @products.fct_price_changes @sales.fct_order_lines
customer_segments < @customers.fct_lifetime_value @marketing.dim_segment
search_ranking < @sales.fct_conversions @products.dim_category
email_timing < @marketing.fct_emails
return_risk < @logistics.fct_returns @customers.dim_customer
ticket_topics < @customers.fct_tickets
stockout_risk < @inventory.agg_stock_cover @inventory.fct_purchase_orders`

export const REPORTS = `
sales_overview regional_sales < @sales.agg_daily_sales @sales.fct_orders @customers.dim_address
executive_summary board_report < @sales.agg_weekly_sales @finance.agg_profit_and_loss @customers.fct_nps @marketing.agg_channel_return
basket_funnel checkout_funnel < @sales.fct_baskets @sales.fct_conversions
marketplace marketplace_fees < @sales.fct_marketplace_orders @sales.fct_marketplace_fees
customer_360 loyalty < @customers.dim_customer @customers.fct_lifetime_value @customers.fct_reviews @sales.fct_subscriptions
service_desk agent_performance < @customers.fct_tickets @customers.agg_service_load
campaign_performance ad_spend < @marketing.fct_ad_spend @marketing.dim_campaign @marketing.fct_attribution
email_performance segments < @marketing.fct_emails @marketing.dim_segment
assortment margins < @products.dim_product @products.dim_category @products.agg_margin
stock_overview stock_cover < @inventory.fct_stock @inventory.agg_stock_cover
supplier_scorecard purchasing < @inventory.dim_supplier @inventory.fct_purchase_orders
delivery_performance carriers < @logistics.agg_delivery_times @logistics.fct_parcels @logistics.dim_carrier
returns return_reasons < @logistics.fct_returns @logistics.agg_return_rate
profit_and_loss cost_centers < @finance.agg_profit_and_loss @finance.dim_cost_center @finance.fct_ledger
payouts < @finance.fct_payouts @finance.fct_disputes
headcount < @people.dim_employee @people.fct_shifts`

/** As MARTS, but the first word of a line is the export's name. */
export const EXPORTS = `
partner_feed s3://northwind-partners/catalog.csv s3://northwind-partners/stock.csv < @products.dim_product @inventory.fct_stock
crm_scores salesforce://northwind/customer_scores < @customers.fct_lifetime_value
audiences google_ads://northwind/audiences meta_ads://northwind/audiences < @customers.dim_customer @marketing.dim_segment
newsletter klaviyo://northwind/profiles < @marketing.dim_segment @customers.dim_customer
tax s3://northwind-finance/tax/vat.csv < @finance.fct_invoices
auditors s3://northwind-finance/auditors/ledger.parquet s3://northwind-finance/auditors/invoices.parquet < @finance.fct_ledger @finance.fct_invoices
stock_events kafka://events/stock_published < @inventory.fct_stock
price_events kafka://events/prices_published < @products.fct_price_changes
marketplace_listings amazon://northwind/listings amazon://northwind/prices < @products.dim_product @inventory.agg_stock_cover
carrier_manifests s3://northwind-partners/carriers/manifest.json < @logistics.fct_shipments
supplier_orders s3://northwind-partners/suppliers/orders.csv < @inventory.fct_purchase_orders @inventory.dim_supplier
payroll_hours s3://northwind-people/payroll/hours.csv < @people.fct_shifts`

export const AUDITS = `
orders_reconciliation < @sales.fct_orders shop.orders stripe.charges
payments_reconciliation < @finance.fct_payouts stripe.charges erp.bank_statements
stock_reconciliation < @inventory.fct_stock wms.stock_levels
customer_duplicates < @customers.dim_customer
orphaned_parcels < @logistics.fct_parcels wms.shipments
ledger_balance < @finance.fct_ledger
personal_data_retention < shop.customers salesforce.accounts people.employees
event_completeness < events.page_views events.add_to_cart google_analytics.sessions`

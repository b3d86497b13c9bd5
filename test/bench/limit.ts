import { neon, neonConfig } from '@neondatabase/serverless'

/** What the platform allows: one statement through the same driver, and nothing else. */
export default {
  async fetch(request: Request, env: { DATABASE_URL: string; NEON_FETCH_ENDPOINT: string }): Promise<Response> {
    neonConfig.fetchEndpoint = env.NEON_FETCH_ENDPOINT
    const sql = neon(env.DATABASE_URL)
    const rows =
      new URL(request.url).pathname === '/insert'
        ? await sql`insert into bench_row (note) values ('x') returning id`
        : await sql`select 1 as n`
    return Response.json(rows)
  },
}

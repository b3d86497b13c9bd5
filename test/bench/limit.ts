import { neon, neonConfig } from '@neondatabase/serverless'

/** The limit of the platform: this worker only makes one statement through the same driver. A POST inserts its body as one row. */
export default {
  async fetch(request: Request, env: { DATABASE_URL: string; NEON_FETCH_ENDPOINT: string }): Promise<Response> {
    neonConfig.fetchEndpoint = env.NEON_FETCH_ENDPOINT
    const sql = neon(env.DATABASE_URL)
    if (request.method === 'GET') return Response.json(await sql`select 1 as n`)
    const note = JSON.stringify(await request.json())
    return Response.json(await sql`insert into bench_row (note) values (${note}) returning id`)
  },
}

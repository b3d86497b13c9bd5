import { neon, neonConfig } from '@neondatabase/serverless'

/** A statement of Watcher as it was sent, and which of its parameters a request replaces. */
export interface Sent {
  query: string
  params: (string | null)[]
}

interface Environment {
  DATABASE_URL: string
  NEON_FETCH_ENDPOINT: string
  /** JSON: the statements by their names. */
  STATEMENTS: string
}

/**
 * What a call of Watcher costs at least: this worker sends the very statement of the call through the same driver, answers its
 * rows and writes one line to the log. `POST /<name>` with `{"<number of a parameter>": value}` replaces parameters.
 */
export default {
  async fetch(request: Request, env: Environment): Promise<Response> {
    const begun = Date.now()
    neonConfig.fetchEndpoint = env.NEON_FETCH_ENDPOINT
    const name = request.url.slice(request.url.lastIndexOf('/') + 1)
    statements ??= JSON.parse(env.STATEMENTS) as Record<string, Sent>
    const sent = statements[name]
    if (!sent) return new Response(null, { status: 404 })
    const params = [...sent.params]
    if (request.method === 'POST') {
      for (const [index, value] of Object.entries((await request.json()) as Record<string, string>)) params[Number(index)] = value
    }
    const rows = await neon(env.DATABASE_URL).query(sent.query, params)
    console.log(JSON.stringify({ message: 'request', name, status: 200, duration_ms: Date.now() - begun }))
    return Response.json(rows)
  },
}

let statements: Record<string, Sent> | undefined

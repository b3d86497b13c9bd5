import { startNeonEndpoint } from '../../src/dev/neon-endpoint.ts'

/** The Neon endpoint in its own process: it must not slow the load generator down. */
const { url } = await startNeonEndpoint(process.argv[2] ?? '')
console.log(url)

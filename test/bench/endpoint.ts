import { startNeonEndpoint } from '../../src/dev/neon-endpoint.ts'

/** The Neon endpoint as a process of its own, so that the load generator does not wait for it. */
const { url } = await startNeonEndpoint(process.argv[2] ?? '')
console.log(url)

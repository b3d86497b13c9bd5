import { createTestHarness } from 'wrangler'

/**
 * A process of its own that serves the worker on workerd with the local platform's real queue, so that a test can kill
 * it: `node serve.ts '{"configPath":"…","vars":{…}}'`. Tells its parent the URL; when told a cron, fires that trigger,
 * and otherwise tells what the worker has logged.
 */
const { configPath, vars } = JSON.parse(process.argv[2] ?? '{}') as { configPath: string; vars: Record<string, string> }

const server = createTestHarness({ workers: [{ configPath, vars }] })
const { url } = await server.listen()
process.send?.({ url: url.href })
process.on('message', async ({ cron }: { cron?: string }) => {
  if (cron === undefined) return process.send?.({ logs: server.getLogs().map(({ message }) => message) })
  const { outcome } = await server.getWorker().scheduled({ cron, scheduledTime: new Date() })
  process.send?.({ outcome })
})
process.on('disconnect', () => process.exit(0))

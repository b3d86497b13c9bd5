import { createTestHarness } from 'wrangler'

/**
 * A separate process that a test can kill. It serves the worker on workerd with the local platform's real queue:
 * `node serve.ts '{"configPath":"…","vars":{…}}'`. It sends its URL to the parent process. For a message with `cron` it
 * fires that trigger; for any other message it sends the worker's log.
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

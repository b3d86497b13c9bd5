import { expect } from 'vitest'
import { call, countOf, makePipeline } from './api.ts'
import { advanceClock, type Background, type Channel, drain, openChannel, recordRun } from './background.ts'

/** What tests of incidents and messages have in common. `of` gives the background of the test that runs. */
export const onCall = (of: () => Background) => {
  const api = (method: string, path: string, body?: unknown) => call(method, path, body, {}, of().settings)
  const post = (path: string, body?: unknown) => api('POST', path, body)
  return {
    api,
    post,

    open: async () =>
      (await api('GET', '/incident?state=open,acknowledged')).body as { id: number; caused_by: number | null; kind: string }[],

    /** A pipeline that reads and writes these addresses. */
    pipe: async (name: string, reads: string[], writes: string[], fields: Record<string, unknown> = {}): Promise<number> => {
      const id = await makePipeline({ name, load_lineage: true, ...fields })
      const addresses = (names: string[]) =>
        names.map((address_name) => ({ address_name, address_type_name: 't', address_type_group_name: 'g' }))
      const { status } = await post('/address_lineage', {
        pipeline_id: id,
        source_addresses: addresses(reads),
        target_addresses: addresses(writes),
      })
      expect(status).toBe(201)
      return id
    },

    fail: async (pipeline_id: number): Promise<void> => {
      await recordRun(of(), pipeline_id, 1, 0, { completed_successfully: false, execution_metadata: { error: 'disk full' } })
      await drain(of())
    },

    succeed: async (pipeline_id: number): Promise<void> => {
      await recordRun(of(), pipeline_id, 1, 0)
      await drain(of())
    },

    pass: async (seconds: number): Promise<void> => {
      advanceClock(seconds)
      await drain(of())
    },

    makeChannel: async (fields: Record<string, unknown> = {}): Promise<Channel & { id: number }> => {
      const channel = openChannel()
      const { status, body } = await post('/channel', {
        name: `c${await countOf('channel')}`,
        kind: 'slack',
        settings: { webhook_url: channel.url },
        ...fields,
      })
      expect(status).toBe(201)
      return { ...channel, id: body.id }
    },
  }
}

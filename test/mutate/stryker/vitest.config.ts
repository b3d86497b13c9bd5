import { defineConfig } from 'vitest/config'

/** The tests that need neither workerd nor a database, in plain Node: StrykerJS cannot look into workerd. */
export default defineConfig({
  test: {
    include: [
      'test/alerts/text.test.ts',
      'test/features/name-parts.test.ts',
      'test/features/page-fields.test.ts',
      'test/features/queue-depth.test.ts',
      'test/features/verdict.test.ts',
      'test/http/authorize.test.ts',
      'test/http/instant.test.ts',
      'test/http/json.test.ts',
      'test/http/next-page.test.ts',
      'test/jobs/retry.test.ts',
    ],
  },
})

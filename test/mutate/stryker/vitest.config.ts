import { defineConfig } from 'vitest/config'

/** The tests that need neither workerd nor a database, in plain Node: StrykerJS cannot look into workerd. */
export default defineConfig({
  test: {
    include: [
      'test/notifications/message.test.ts',
      'test/features/name-parts.test.ts',
      'test/pages/fields.test.ts',
      'test/features/depth-level.test.ts',
      'test/checks/verdict.test.ts',
      'test/http/authorize.test.ts',
      'test/core/instant.test.ts',
      'test/core/json.test.ts',
      'test/http/next-page.test.ts',
      'test/jobs/retry.test.ts',
    ],
  },
})

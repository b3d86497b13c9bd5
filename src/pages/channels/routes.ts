import type { Router } from '../../http/router.ts'
import { servePage } from '../frame/page.tsx'
import { ChannelsPage } from './page.tsx'
import { readChannels } from './queries.ts'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/channels',
    section: 'Channels',
    load: async (_input, { db, settings }) => ({ ...(await readChannels(db)), hasSlack: settings.SLACK_WEBHOOK_URL !== undefined }),
    title: () => 'Channels',
    view: ChannelsPage,
    refreshSeconds: 20,
  })

import { z } from '@hono/zod-openapi'
import { ApiError } from '../core/errors.ts'
import type { Settings } from '../env.ts'
import { nextLink } from '../http/paging.ts'
import { describeTarget } from '../http/patch.ts'
import { serveList, serveOne } from '../http/resource.ts'
import { type Router, serveOperation } from '../http/router.ts'
import { idText } from '../http/text-fields.ts'
import type { IncidentKinds } from '../incidents/kind.ts'
import { JobFailure } from '../jobs/job.ts'
import { storeSettings } from './channel-settings.ts'
import { hostOf } from './host.ts'
import { deleteChannel, findChannel, listChannels, listNotifications, readChannel, replayNotification } from './queries.ts'
import { storedReceiver } from './receiver.ts'
import { channelFilters, channelSchemas, notificationAnswer, notificationFilters, testAnswer } from './schemas.ts'
import { serveSilences } from './silences.ts'
import { createChannel, updateChannel } from './write-channel.ts'

const tag = 'Channels'

const channelNotFound = (id: number) => new ApiError('channel_not_found', `Channel ${id} not found`)

/** Throws `name_taken` for the name of the environment's channel, which has no row: messages of both would have one name. */
const requireFreeName = (name: string | undefined, { SLACK_WEBHOOK_URL }: Settings): void => {
  if (SLACK_WEBHOOK_URL !== undefined && name?.toLowerCase() === 'slack')
    throw new ApiError('name_taken', 'The channel of SLACK_WEBHOOK_URL has the name "slack" already: choose another name')
}

export const routes = (router: Router, kinds: IncidentKinds): void => {
  serveChannels(router, kinds)
  serveTest(router)
  serveNotifications(router)
  serveSilences(router, kinds)
}

const serveChannels = (router: Router, kinds: IncidentKinds): void => {
  const { channelPost, channelPatch, channelAnswer } = channelSchemas(kinds)
  const resource = { path: '/channel', tag, noun: 'channel', answer: channelAnswer, notFound: 'channel_not_found' } as const

  serveOperation(
    router,
    {
      method: 'post',
      path: resource.path,
      access: 'write',
      operationId: 'create_channel',
      refusesUnknownFields: true, // a misspelt filter would mean everything
      tag,
      summary: 'Create a channel',
      description:
        'Where people are told of incidents, and of which. It hears of incidents that are open already at their next event. The channel of `SLACK_WEBHOOK_URL` needs no row and takes everything.',
      body: channelPost,
      answers: { 201: { description: 'The channel.', schema: channelAnswer } },
      errors: ['name_taken', 'unknown_reference'],
    },
    async ({ body: { settings, ...fields } }, scope) => {
      requireFreeName(fields.name, scope.settings)
      const stored = await storeSettings(fields.kind, settings, scope)
      return { status: 201, body: await createChannel(scope.db, { ...fields, ...stored, created_at: scope.now }) }
    },
  )

  serveList(router, resource, channelFilters, listChannels)
  serveOne(router, resource, findChannel)

  serveOperation(
    router,
    {
      method: 'patch',
      path: resource.path,
      access: 'write',
      operationId: 'update_channel',
      refusesUnknownFields: true, // a misspelt filter would mean everything
      tag,
      summary: 'Update a channel',
      description:
        'Only the fields in the body change. null clears a filter. `settings` are replaced as a whole; the kind cannot change. `name` without an `id` is the current name.',
      body: channelPatch,
      answers: { 200: { description: 'The whole channel after the change.', schema: channelAnswer } },
      errors: ['channel_not_found', 'channel_of_other_kind', 'name_taken', 'unknown_reference'],
    },
    async ({ body: { target, changes: given } }, scope) => {
      const { settings, ...changes } = given
      requireFreeName(changes.name, scope.settings)
      const stored = settings === undefined ? {} : await storeSettings(changes.kind ?? '', settings, scope)
      const row = await updateChannel(scope.db, target, { ...changes, ...stored }, scope.now)
      if (row === undefined) throw new ApiError('channel_not_found', describeTarget('Channel', target))
      if (row === 'other_kind')
        throw new ApiError('channel_of_other_kind', `The channel is not of the kind ${changes.kind}: create another channel`)
      return { status: 200, body: row }
    },
  )

  serveOperation(
    router,
    {
      method: 'delete',
      path: '/channel/{id}',
      access: 'write',
      operationId: 'delete_channel',
      tag,
      summary: 'Delete a channel',
      description: 'What it has not sent yet is dropped. What it has sent stays in the list of notifications.',
      params: () => ({ id: idText('The channel.') }),
      answers: { 204: { description: 'The channel is deleted.' } },
      errors: ['channel_not_found'],
    },
    async ({ params: { id } }, { db }) => {
      if (!(await deleteChannel(db, id))) throw channelNotFound(id)
      return { status: 204 }
    },
  )
}

const serveTest = (router: Router): void =>
  serveOperation(
    router,
    {
      method: 'post',
      path: '/channel/{id}/test',
      access: 'write',
      operationId: 'test_channel',
      tag,
      summary: 'Send a test message',
      description: 'Sends one message now, also if the channel is inactive, and answers what the other side said. It is not tried again.',
      params: () => ({ id: idText('The channel.') }),
      answers: { 200: { description: 'What came of it.', schema: testAnswer } },
      errors: ['channel_not_found'],
    },
    async ({ params: { id } }, { db, settings, now, caller, outbound }) => {
      const stored = await readChannel(db, id)
      if (!stored) throw channelNotFound(id)
      try {
        const receiver = await storedReceiver(stored, { settings, outbound }, { isTest: true })
        const text = `✅ Watcher can reach this channel\nA test of the channel ${JSON.stringify(stored.name)}, sent by ${caller}.`
        const answer = await receiver.send({
          event: 'test',
          text,
          isRepeated: false,
          incidents: [],
          sweep: undefined,
          now,
          host: hostOf(settings),
          url: settings.WATCHER_PUBLIC_URL,
        })
        return { status: 200, body: { delivered: true, answer } }
      } catch (error) {
        if (!(error instanceof JobFailure)) throw error
        return { status: 200, body: { delivered: false, answer: error.message.replace(/, then send it again$/, '') } }
      }
    },
  )

const serveNotifications = (router: Router): void => {
  serveOperation(
    router,
    {
      method: 'get',
      path: '/notification',
      access: 'read',
      operationId: 'list_notifications',
      tag,
      summary: 'List notifications',
      description: 'Which channel was told of which incident, and what came of it. Newest first.',
      query: notificationFilters,
      answers: { 200: { description: 'The notifications, newest first.', schema: () => z.array(notificationAnswer()), paged: true } },
    },
    async ({ query, url }, { db }) => {
      const { notifications, next } = await listNotifications(db, query)
      return { status: 200, body: notifications, headers: next === null ? {} : nextLink(url, { before_id: next }) }
    },
  )

  serveOperation(
    router,
    {
      method: 'post',
      path: '/notification/{id}/replay',
      access: 'write',
      operationId: 'replay_notification',
      tag,
      summary: 'Send a failed notification again',
      description: 'With all its attempts, and together with those of the same message.',
      params: () => ({ id: idText('The notification.') }),
      answers: { 204: { description: 'It waits to be sent.' } },
      errors: ['notification_not_found', 'notification_not_failed'],
    },
    async ({ params: { id } }, { db, now, sendAfterwards }) => {
      const found = await replayNotification(db, id, now)
      if (!found) throw new ApiError('notification_not_found', `Notification ${id} not found`)
      if (found.is_over)
        throw new ApiError('notification_not_failed', `Notification ${id} tells of an incident that is over: there is nothing to replay`)
      if (!found.replayed || found.job_id === null)
        throw new ApiError('notification_not_failed', `Notification ${id} has not failed: there is nothing to replay`)
      sendAfterwards([found.job_id])
      return { status: 204 }
    },
  )
}

CREATE TABLE "channel" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "channel_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"settings" jsonb NOT NULL,
	"secrets" text,
	"secrets_id" text,
	"active" boolean DEFAULT true NOT NULL,
	"min_severity" text,
	"kinds" text[],
	"owners" text[],
	"tags" text[],
	"pipeline_type_ids" bigint[],
	"send_resolved" boolean DEFAULT true NOT NULL,
	"repeat_minutes" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone,
	CONSTRAINT "channel_name_length" CHECK (char_length("channel"."name") between 1 and 150),
	CONSTRAINT "channel_min_severity_known" CHECK ("channel"."min_severity" in ('warning', 'critical')),
	CONSTRAINT "channel_repeat_minutes_range" CHECK ("channel"."repeat_minutes" between 15 and 43200)
);
--> statement-breakpoint
CREATE TABLE "notification" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "notification_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"channel_id" bigint NOT NULL,
	"channel_name" text NOT NULL,
	"incident_id" bigint NOT NULL,
	"incident_event_id" bigint NOT NULL,
	"event" text NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"job_id" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp with time zone,
	CONSTRAINT "notification_event_known" CHECK ("notification"."event" in ('opened', 'reopened', 'raised', 'resolved', 'acknowledged')),
	CONSTRAINT "notification_state_known" CHECK ("notification"."state" in ('waiting', 'sending', 'dropped'))
);
--> statement-breakpoint
ALTER TABLE "incident_event" DROP CONSTRAINT "incident_event_kind_known";--> statement-breakpoint
ALTER TABLE "job" DROP CONSTRAINT "job_kind_known";--> statement-breakpoint
DROP INDEX "job_queue_depth";--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD COLUMN "owner" text;--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD COLUMN "runbook_url" text;--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD COLUMN "severity" text;--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD COLUMN "alert_after_failures" integer;--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD COLUMN "alert_delay_minutes" integer;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "owner" text;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "runbook_url" text;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "severity" text;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "alert_after_failures" integer;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "alert_delay_minutes" integer;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "tags" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "incident_event" ADD COLUMN "quiet" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "incident_event" ADD COLUMN "notify_job_id" bigint;--> statement-breakpoint
ALTER TABLE "notification" ADD CONSTRAINT "notification_incident_id_incident_id_fk" FOREIGN KEY ("incident_id") REFERENCES "public"."incident"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notification" ADD CONSTRAINT "notification_incident_event_id_incident_event_id_fk" FOREIGN KEY ("incident_event_id") REFERENCES "public"."incident_event"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notification" ADD CONSTRAINT "notification_job_id_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."job"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "channel_name_unique" ON "channel" USING btree (lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "notification_once" ON "notification" USING btree ("incident_event_id","channel_id");--> statement-breakpoint
CREATE INDEX "notification_of_incident" ON "notification" USING btree ("incident_id","channel_id","id");--> statement-breakpoint
CREATE INDEX "notification_of_job" ON "notification" USING btree ("job_id");--> statement-breakpoint
CREATE INDEX "notification_of_channel" ON "notification" USING btree ("channel_id","id");--> statement-breakpoint
CREATE INDEX "incident_event_to_tell" ON "incident_event" USING btree ("notify_job_id") WHERE notify_job_id is not null;--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD CONSTRAINT "pipeline_type_owner_length" CHECK (char_length("pipeline_type"."owner") between 1 and 150);--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD CONSTRAINT "pipeline_type_runbook_url_length" CHECK (char_length("pipeline_type"."runbook_url") between 1 and 500);--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD CONSTRAINT "pipeline_type_severity_known" CHECK ("pipeline_type"."severity" in ('warning', 'critical'));--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD CONSTRAINT "pipeline_type_alert_after_failures_range" CHECK ("pipeline_type"."alert_after_failures" between 1 and 100);--> statement-breakpoint
ALTER TABLE "pipeline_type" ADD CONSTRAINT "pipeline_type_alert_delay_minutes_range" CHECK ("pipeline_type"."alert_delay_minutes" between 0 and 1440);--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_owner_length" CHECK (char_length("pipeline"."owner") between 1 and 150);--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_runbook_url_length" CHECK (char_length("pipeline"."runbook_url") between 1 and 500);--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_severity_known" CHECK ("pipeline"."severity" in ('warning', 'critical'));--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_alert_after_failures_range" CHECK ("pipeline"."alert_after_failures" between 1 and 100);--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_alert_delay_minutes_range" CHECK ("pipeline"."alert_delay_minutes" between 0 and 1440);--> statement-breakpoint
ALTER TABLE "incident_event" ADD CONSTRAINT "incident_event_kind_known" CHECK ("incident_event"."kind" in ('opened', 'occurred', 'acknowledged', 'notified', 'silenced', 'folded', 'resolved', 'reopened', 'commented'));--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_kind_known" CHECK ("job"."kind" in ('detect_anomalies', 'clean_logs', 'count_days', 'complete_closure', 'notify', 'send_alert') or "job"."kind" like 'check\_%');--> statement-breakpoint
-- What was wrong before there were incidents is an incident now, of which nobody is told: an active pipeline whose last run has failed,
INSERT INTO "incident" ("kind", "pipeline_id", "severity", "opened_at", "detected_at", "last_occurrence_at", "first_execution_id", "last_execution_id", "details")
SELECT 'failed', p."id", 'warning', last."end_date", now(), last."end_date", last."id", last."id", jsonb_build_object('pipeline_execution_id', last."id", 'why',
	left(coalesce(last."execution_metadata" ->> 'error', last."execution_metadata" ->> 'error_message', last."execution_metadata" ->> 'message'), 500))
FROM "pipeline" p CROSS JOIN LATERAL (
	SELECT * FROM (SELECT * FROM "pipeline_execution" n WHERE n."pipeline_id" = p."id" AND n."end_date" IS NOT NULL ORDER BY n."id" DESC LIMIT 20) e
	ORDER BY e."end_date" DESC, e."id" DESC LIMIT 1) last
WHERE p."active" AND NOT last."completed_successfully"
ON CONFLICT DO NOTHING;--> statement-breakpoint
-- and one with a late run that still runs. Stale pipelines are found by the next sweep.
INSERT INTO "incident" ("kind", "pipeline_id", "severity", "opened_at", "detected_at", "last_occurrence_at", "first_execution_id", "last_execution_id", "details")
SELECT DISTINCT ON (l."pipeline_id") 'late', l."pipeline_id", 'warning', e."start_date" + make_interval(secs => l."seconds_threshold"), now(), l."created_at", e."id", e."id",
	jsonb_build_object('pipeline_execution_id', e."id", 'pipeline_id', l."pipeline_id", 'duration_seconds', l."duration_seconds",
		'seconds_threshold', l."seconds_threshold", 'execution_status', 'running')
FROM "timeliness_pipeline_execution_log" l JOIN "pipeline_execution" e ON e."id" = l."pipeline_execution_id" JOIN "pipeline" p ON p."id" = l."pipeline_id"
WHERE e."end_date" IS NULL AND p."active" AND NOT p."mute_timeliness_check"
ORDER BY l."pipeline_id", e."id" DESC
ON CONFLICT DO NOTHING;

CREATE TABLE "silence" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "silence_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"starts_at" timestamp with time zone NOT NULL,
	"ends_at" timestamp with time zone,
	"pipeline_id" bigint,
	"pipeline_type_id" bigint,
	"owner" text,
	"tag" text,
	"kind" text,
	"weekly_days" integer[],
	"weekly_from" time,
	"weekly_to" time,
	"weekly_timezone" text DEFAULT 'UTC' NOT NULL,
	"include_critical" boolean DEFAULT false NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "silence_ends" CHECK (ends_at is not null or weekly_days is not null),
	CONSTRAINT "silence_weekly_whole" CHECK (num_nonnulls(weekly_days, weekly_from, weekly_to) in (0, 3))
);
--> statement-breakpoint
ALTER TABLE "incident_event" DROP CONSTRAINT "incident_event_kind_known";--> statement-breakpoint
ALTER TABLE "notification" DROP CONSTRAINT "notification_event_known";--> statement-breakpoint
ALTER TABLE "silence" ADD CONSTRAINT "silence_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "silence" ADD CONSTRAINT "silence_pipeline_type_id_pipeline_type_id_fk" FOREIGN KEY ("pipeline_type_id") REFERENCES "public"."pipeline_type"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "silence_pipeline_id" ON "silence" USING btree ("pipeline_id") WHERE pipeline_id is not null;--> statement-breakpoint
CREATE INDEX "silence_pipeline_type_id" ON "silence" USING btree ("pipeline_type_id") WHERE pipeline_type_id is not null;--> statement-breakpoint
ALTER TABLE "incident_event" ADD CONSTRAINT "incident_event_kind_known" CHECK ("incident_event"."kind" in ('opened', 'occurred', 'acknowledged', 'notified', 'reminded', 'silenced', 'folded', 'resolved', 'reopened', 'commented'));--> statement-breakpoint
ALTER TABLE "notification" ADD CONSTRAINT "notification_event_known" CHECK ("notification"."event" in ('opened', 'reopened', 'raised', 'reminded', 'resolved', 'acknowledged'));
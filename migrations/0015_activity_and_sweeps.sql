CREATE TABLE "pipeline_activity" (
	"pipeline_id" bigint PRIMARY KEY NOT NULL,
	"last_start_at" timestamp with time zone NOT NULL,
	"last_end_at" timestamp with time zone,
	"last_succeeded" boolean DEFAULT false NOT NULL,
	"last_success_at" timestamp with time zone,
	"typical_seconds" bigint,
	"is_running" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
ALTER TABLE "job" DROP CONSTRAINT "job_kind_known";--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "judged_end" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "judged_id" bigint;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "clean_end" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "anomaly_detection_rule" ADD COLUMN "clean_id" bigint;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "freshness_from" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "notification" ADD COLUMN "sweep_id" bigint;--> statement-breakpoint
ALTER TABLE "pipeline_activity" ADD CONSTRAINT "pipeline_activity_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "notification_of_sweep" ON "notification" USING btree ("sweep_id") WHERE sweep_id is not null;--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_kind_known" CHECK ("job"."kind" in ('detect_anomalies', 'clean_logs', 'count_days', 'keep_activity', 'complete_closure', 'notify', 'send_alert') or "job"."kind" like 'check\_%');--> statement-breakpoint
-- A pipeline that has never loaded is judged from now on.
UPDATE "pipeline" SET "freshness_from" = now();

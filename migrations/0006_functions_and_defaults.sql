CREATE TABLE "sql_function" (
	"name" text PRIMARY KEY NOT NULL,
	"last_wanted_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "job" DROP CONSTRAINT "job_kind_known";--> statement-breakpoint
ALTER TABLE "pipeline" ALTER COLUMN "load_lineage" SET DEFAULT true;--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_kind_known" CHECK ("job"."kind" in ('detect_anomalies', 'clean_logs', 'send_alert') or "job"."kind" like 'check\_%');
CREATE TABLE "pipeline_day" (
	"day" date NOT NULL,
	"pipeline_id" bigint NOT NULL,
	"executions" bigint DEFAULT 0 NOT NULL,
	"ended" bigint DEFAULT 0 NOT NULL,
	"failures" bigint DEFAULT 0 NOT NULL,
	"inserts" bigint DEFAULT 0 NOT NULL,
	"updates" bigint DEFAULT 0 NOT NULL,
	"soft_deletes" bigint DEFAULT 0 NOT NULL,
	"total_rows" bigint DEFAULT 0 NOT NULL,
	"timed" bigint DEFAULT 0 NOT NULL,
	"seconds" bigint DEFAULT 0 NOT NULL,
	"paced_rows" bigint DEFAULT 0 NOT NULL,
	"paced_seconds" bigint DEFAULT 0 NOT NULL,
	"p95_seconds" double precision,
	"durations" numeric DEFAULT '0' NOT NULL,
	CONSTRAINT "pipeline_day_pk" PRIMARY KEY("day","pipeline_id")
);
--> statement-breakpoint
CREATE TABLE "pipeline_day_mark" (
	"pipeline_id" bigint NOT NULL,
	"pipeline_execution_id" bigint NOT NULL,
	"start_date" timestamp with time zone NOT NULL,
	"is_end" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pipeline_day_progress" (
	"is_only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"closed_through" date,
	"counted_until" timestamp with time zone,
	"cleaned_through" date,
	CONSTRAINT "pipeline_day_progress_one_row" CHECK ("pipeline_day_progress"."is_only")
);
--> statement-breakpoint
ALTER TABLE "job" DROP CONSTRAINT "job_kind_known";--> statement-breakpoint
ALTER TABLE "pipeline_day" ADD CONSTRAINT "pipeline_day_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pipeline_day_mark" ADD CONSTRAINT "pipeline_day_mark_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "pipeline_execution_of_pipeline_by_start" ON "pipeline_execution" USING btree ("pipeline_id","start_date");--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_kind_known" CHECK ("job"."kind" in ('detect_anomalies', 'clean_logs', 'count_days', 'complete_closure', 'send_alert') or "job"."kind" like 'check\_%');
ALTER TABLE "pipeline" ADD COLUMN "freshness_logged_for" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "job" ADD COLUMN "due_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "job" ADD COLUMN "resent_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "job" ADD COLUMN "interrupted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "anomaly_detection_result_rule_id" ON "anomaly_detection_result" USING btree ("rule_id","id");--> statement-breakpoint
CREATE INDEX "pipeline_execution_ended" ON "pipeline_execution" USING btree ("end_date") WHERE completed_successfully;--> statement-breakpoint
CREATE INDEX "pipeline_execution_baseline" ON "pipeline_execution" USING btree ("pipeline_id","hour_recorded","end_date","id") WHERE completed_successfully;--> statement-breakpoint
CREATE INDEX "pipeline_execution_closure_ancestor" ON "pipeline_execution_closure" USING btree ("ancestor_id","descendant_id");--> statement-breakpoint
CREATE INDEX "freshness_pipeline_log_last_dml_timestamp" ON "freshness_pipeline_log" USING btree ("last_dml_timestamp");--> statement-breakpoint
CREATE INDEX "timeliness_pipeline_execution_log_pipeline_id" ON "timeliness_pipeline_execution_log" USING btree ("pipeline_id","id");--> statement-breakpoint
CREATE INDEX "job_unfinished" ON "job" USING btree ("due_at","id") WHERE state in ('waiting', 'running');--> statement-breakpoint
CREATE INDEX "job_finished" ON "job" USING btree ("kind","finished_at") WHERE finished_at is not null;--> statement-breakpoint
CREATE INDEX "job_failed" ON "job" USING btree ("id") WHERE state = 'failed';--> statement-breakpoint
CREATE INDEX "job_kind" ON "job" USING btree ("kind","id") WHERE kind <> 'detect_anomalies';--> statement-breakpoint
CREATE INDEX "job_queue_depth" ON "job" USING btree ("id") WHERE unique_key like 'queue depth %';
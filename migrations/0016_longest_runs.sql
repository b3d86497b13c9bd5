ALTER TABLE "pipeline_activity" ADD COLUMN "longest_seconds" bigint;--> statement-breakpoint
ALTER TABLE "pipeline_activity" ADD COLUMN "typical_rows" bigint;
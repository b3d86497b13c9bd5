ALTER TABLE "pipeline_activity" ADD COLUMN "longest_seconds" integer;--> statement-breakpoint
ALTER TABLE "pipeline_activity" ADD COLUMN "typical_rows" bigint;
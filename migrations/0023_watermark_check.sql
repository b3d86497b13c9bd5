ALTER TABLE "pipeline" ADD COLUMN "watermark_check" jsonb;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "unmoved_runs" integer DEFAULT 0 NOT NULL;
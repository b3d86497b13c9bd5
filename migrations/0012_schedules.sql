ALTER TABLE "pipeline" ADD COLUMN "schedule_cron" text;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "schedule_timezone" text;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "schedule_number" integer;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "schedule_datepart" text;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "schedule_grace_minutes" integer;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "schedule_from" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "schedule_slot_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "check_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "pipeline_check_at" ON "pipeline" USING btree ("check_at") WHERE check_at is not null;--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_schedule_pair" CHECK (("pipeline"."schedule_number" is null) = ("pipeline"."schedule_datepart" is null));--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_schedule_number_range" CHECK ("pipeline"."schedule_number" between 1 and case "pipeline"."schedule_datepart" when 'minute' then 525600000 when 'hour' then 8760000 when 'day' then 365000 when 'week' then 52000 when 'month' then 12000 when 'year' then 1000 end);--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_schedule_datepart_known" CHECK ("pipeline"."schedule_datepart" in ('minute', 'hour', 'day', 'week', 'month', 'year'));--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_schedule_one" CHECK (schedule_cron is null or schedule_number is null);--> statement-breakpoint
ALTER TABLE "pipeline" ADD CONSTRAINT "pipeline_schedule_grace_minutes_range" CHECK ("pipeline"."schedule_grace_minutes" between 1 and 10080);
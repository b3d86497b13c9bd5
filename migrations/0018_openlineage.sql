CREATE TABLE "openlineage_dataset" (
	"address_id" bigint PRIMARY KEY NOT NULL,
	"facts" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openlineage_event" (
	"hash" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"body" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openlineage_job" (
	"key" text PRIMARY KEY NOT NULL,
	"pipeline_id" bigint NOT NULL,
	"type_id" bigint NOT NULL,
	"owner" text,
	"facts" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openlineage_run" (
	"pipeline_id" bigint NOT NULL,
	"key" text NOT NULL,
	"execution_id" bigint,
	"stated_parent_id" bigint,
	"facts" jsonb NOT NULL,
	CONSTRAINT "openlineage_run_pk" PRIMARY KEY("pipeline_id","key")
);
--> statement-breakpoint
CREATE TABLE "openlineage_run_dataset" (
	"execution_id" bigint NOT NULL,
	"is_output" boolean NOT NULL,
	"address_id" bigint NOT NULL,
	"facts" jsonb NOT NULL,
	CONSTRAINT "openlineage_run_dataset_pk" PRIMARY KEY("execution_id","is_output","address_id")
);
--> statement-breakpoint
ALTER TABLE "address" DROP CONSTRAINT "address_name_length";--> statement-breakpoint
ALTER TABLE "job" DROP CONSTRAINT "job_kind_known";--> statement-breakpoint
ALTER TABLE "pipeline_execution" ADD COLUMN "scheduled_for" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "pipeline_execution" ADD COLUMN "is_placeholder" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "pipeline_execution" ADD COLUMN "has_failed_step" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "pipeline_execution" ADD COLUMN "openlineage" jsonb;--> statement-breakpoint
ALTER TABLE "pipeline_execution" ADD COLUMN "openlineage_facets" jsonb;--> statement-breakpoint
ALTER TABLE "address_lineage" ADD COLUMN "last_seen_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "openlineage" jsonb;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "is_step" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "pipeline" ADD COLUMN "is_streaming" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "openlineage_dataset" ADD CONSTRAINT "openlineage_dataset_address_id_address_id_fk" FOREIGN KEY ("address_id") REFERENCES "public"."address"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "openlineage_job" ADD CONSTRAINT "openlineage_job_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "openlineage_job" ADD CONSTRAINT "openlineage_job_type_id_pipeline_type_id_fk" FOREIGN KEY ("type_id") REFERENCES "public"."pipeline_type"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "openlineage_run" ADD CONSTRAINT "openlineage_run_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "openlineage_run" ADD CONSTRAINT "openlineage_run_execution_id_pipeline_execution_id_fk" FOREIGN KEY ("execution_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "openlineage_run_dataset" ADD CONSTRAINT "openlineage_run_dataset_execution_id_pipeline_execution_id_fk" FOREIGN KEY ("execution_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "openlineage_run_dataset" ADD CONSTRAINT "openlineage_run_dataset_address_id_address_id_fk" FOREIGN KEY ("address_id") REFERENCES "public"."address"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "openlineage_event_received_at" ON "openlineage_event" USING btree ("received_at");--> statement-breakpoint
CREATE UNIQUE INDEX "openlineage_job_pipeline_unique" ON "openlineage_job" USING btree ("pipeline_id");--> statement-breakpoint
CREATE UNIQUE INDEX "openlineage_run_execution_unique" ON "openlineage_run" USING btree ("execution_id");--> statement-breakpoint
CREATE INDEX "openlineage_run_stated_parent" ON "openlineage_run" USING btree ("stated_parent_id");--> statement-breakpoint
CREATE INDEX "pipeline_execution_failed_step" ON "pipeline_execution" USING btree ("pipeline_id","id") WHERE has_failed_step;--> statement-breakpoint
CREATE INDEX "pipeline_execution_scheduled_for" ON "pipeline_execution" USING btree ("pipeline_id","scheduled_for") WHERE scheduled_for is not null;--> statement-breakpoint
CREATE INDEX "pipeline_steps" ON "pipeline" USING btree ("id") WHERE is_step;--> statement-breakpoint
ALTER TABLE "address" ADD CONSTRAINT "address_name_length" CHECK (char_length("address"."name") between 1 and 1000);--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_kind_known" CHECK ("job"."kind" in ('detect_anomalies', 'clean_logs', 'count_days', 'keep_activity', 'complete_closure', 'clean_openlineage', 'notify', 'send_alert') or "job"."kind" like 'check\_%');
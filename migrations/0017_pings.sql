CREATE TABLE "pipeline_execution_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pipeline_execution_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pipeline_id" bigint NOT NULL,
	"pipeline_execution_id" bigint,
	"received_at" timestamp with time zone NOT NULL,
	"source" text NOT NULL,
	"body" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ping" (
	"pipeline_id" bigint PRIMARY KEY NOT NULL,
	"uuid" uuid,
	"uuid_made_at" timestamp with time zone,
	"execution_id" bigint
);
--> statement-breakpoint
ALTER TABLE "pipeline_execution_log" ADD CONSTRAINT "pipeline_execution_log_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pipeline_execution_log" ADD CONSTRAINT "pipeline_execution_log_pipeline_execution_id_pipeline_execution_id_fk" FOREIGN KEY ("pipeline_execution_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ping" ADD CONSTRAINT "ping_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "pipeline_execution_log_of_execution" ON "pipeline_execution_log" USING btree ("pipeline_execution_id","id");--> statement-breakpoint
CREATE INDEX "pipeline_execution_log_received_at" ON "pipeline_execution_log" USING btree ("received_at") WHERE pipeline_execution_id is null;--> statement-breakpoint
CREATE UNIQUE INDEX "ping_uuid_unique" ON "ping" USING btree ("uuid");--> statement-breakpoint
CREATE INDEX "pipeline_slug" ON "pipeline" USING btree (btrim(regexp_replace(lower("name"), '[^a-z0-9]+', '-', 'g'), '-'));
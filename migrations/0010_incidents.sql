CREATE TABLE "incident" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "incident_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"subject" text DEFAULT '' NOT NULL,
	"pipeline_id" bigint,
	"severity" text NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"opened_at" timestamp with time zone NOT NULL,
	"detected_at" timestamp with time zone NOT NULL,
	"acknowledged_at" timestamp with time zone,
	"acknowledged_by" text,
	"resolved_at" timestamp with time zone,
	"resolved_by" text,
	"occurrences" integer DEFAULT 1 NOT NULL,
	"last_occurrence_at" timestamp with time zone NOT NULL,
	"first_execution_id" bigint,
	"last_execution_id" bigint,
	"last_success_at" timestamp with time zone,
	"details" jsonb NOT NULL,
	"caused_by" bigint,
	CONSTRAINT "incident_state_known" CHECK ("incident"."state" in ('open', 'acknowledged', 'resolved')),
	CONSTRAINT "incident_severity_known" CHECK ("incident"."severity" in ('warning', 'critical')),
	CONSTRAINT "incident_resolved_with_state" CHECK (("incident"."state" = 'resolved') = ("incident"."resolved_at" is not null)),
	CONSTRAINT "incident_caused_by_another" CHECK ("incident"."caused_by" <> "incident"."id"),
	CONSTRAINT "incident_occurrences_range" CHECK ("incident"."occurrences" >= 1)
);
--> statement-breakpoint
CREATE TABLE "incident_event" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "incident_event_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"incident_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"by" text,
	"text" text,
	CONSTRAINT "incident_event_kind_known" CHECK ("incident_event"."kind" in ('opened', 'occurred', 'acknowledged', 'resolved', 'reopened', 'commented'))
);
--> statement-breakpoint
ALTER TABLE "incident" ADD CONSTRAINT "incident_pipeline_id_pipeline_id_fk" FOREIGN KEY ("pipeline_id") REFERENCES "public"."pipeline"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "incident" ADD CONSTRAINT "incident_first_execution_id_pipeline_execution_id_fk" FOREIGN KEY ("first_execution_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "incident" ADD CONSTRAINT "incident_last_execution_id_pipeline_execution_id_fk" FOREIGN KEY ("last_execution_id") REFERENCES "public"."pipeline_execution"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "incident" ADD CONSTRAINT "incident_caused_by_incident_id_fk" FOREIGN KEY ("caused_by") REFERENCES "public"."incident"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "incident_event" ADD CONSTRAINT "incident_event_incident_id_incident_id_fk" FOREIGN KEY ("incident_id") REFERENCES "public"."incident"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "incident_open_unique" ON "incident" USING btree (coalesce(pipeline_id, 0),"kind","subject") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "incident_last" ON "incident" USING btree (coalesce(pipeline_id, 0),"kind","subject","id");--> statement-breakpoint
CREATE INDEX "incident_of_pipeline" ON "incident" USING btree ("pipeline_id","id");--> statement-breakpoint
CREATE INDEX "incident_open" ON "incident" USING btree ("id") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "incident_resolved" ON "incident" USING btree ("resolved_at") WHERE resolved_at is not null;--> statement-breakpoint
CREATE INDEX "incident_first_execution" ON "incident" USING btree ("first_execution_id") WHERE first_execution_id is not null;--> statement-breakpoint
CREATE INDEX "incident_last_execution" ON "incident" USING btree ("last_execution_id") WHERE last_execution_id is not null;--> statement-breakpoint
CREATE INDEX "incident_caused_by" ON "incident" USING btree ("caused_by") WHERE caused_by is not null;--> statement-breakpoint
CREATE INDEX "incident_event_of_incident" ON "incident_event" USING btree ("incident_id","id");
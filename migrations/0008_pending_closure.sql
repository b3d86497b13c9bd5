CREATE TABLE "address_lineage_pending" (
	"address_id" bigint PRIMARY KEY NOT NULL,
	"is_expanded" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
ALTER TABLE "job" DROP CONSTRAINT "job_kind_known";--> statement-breakpoint
ALTER TABLE "address_lineage_pending" ADD CONSTRAINT "address_lineage_pending_address_id_address_id_fk" FOREIGN KEY ("address_id") REFERENCES "public"."address"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_kind_known" CHECK ("job"."kind" in ('detect_anomalies', 'clean_logs', 'complete_closure', 'send_alert') or "job"."kind" like 'check\_%');
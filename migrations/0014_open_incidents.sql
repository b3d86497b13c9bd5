DROP INDEX "incident_open";--> statement-breakpoint
CREATE INDEX "incident_open" ON "incident" USING btree ("id") WHERE state <> 'resolved';
-- Creates the address, or applies what its code has changed. Creates its type if that is new. p_config holds the given
-- configuration fields; they are written if p_config_hash differs from the stored one. p_derived holds fields that only a new
-- address gets: those that follow from its name. An unchanged call takes no lock and writes no row. Of a hundred identical
-- calls at once, exactly one creates the address. `outcome` is `created` or `existing`.
CREATE FUNCTION :create_or_get_address(
  p_name text, p_type_name text, p_group_name text, p_config jsonb, p_derived jsonb, p_config_hash text, p_now timestamptz,
  OUT outcome text, OUT id bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_address address;
  v_given address;
  v_type_id bigint;
BEGIN
  outcome := 'existing';
  LOOP
    SELECT * INTO v_address FROM address a WHERE a.name = p_name;
    id := v_address.id;
    EXIT WHEN v_address.config_hash = p_config_hash;

    SELECT t.id INTO v_type_id FROM address_type t WHERE lower(t.name) = lower(p_type_name);
    IF NOT FOUND THEN
      INSERT INTO address_type (name, group_name, created_at) VALUES (p_type_name, p_group_name, p_now)
      ON CONFLICT DO NOTHING RETURNING address_type.id INTO v_type_id;
      CONTINUE WHEN NOT FOUND;
    END IF;

    IF v_address.id IS NULL THEN
      v_given := jsonb_populate_record(v_address, '{"deprecated": false}' || p_derived || p_config);
      INSERT INTO address (
        name, address_type_id, database_name, schema_name, table_name, primary_key, deprecated, address_metadata, config_hash, created_at)
      VALUES (
        p_name, v_type_id, v_given.database_name, v_given.schema_name, v_given.table_name, v_given.primary_key, v_given.deprecated,
        v_given.address_metadata, p_config_hash, p_now)
      ON CONFLICT DO NOTHING
      RETURNING address.id INTO id;
      CONTINUE WHEN NOT FOUND;
      -- The closure holds a pair of every address with itself (see lineage).
      INSERT INTO address_lineage_closure (source_address_id, target_address_id, depth) VALUES (id, id, 0);
      outcome := 'created';
      RETURN;
    END IF;

    v_given := jsonb_populate_record(v_address, p_config);
    UPDATE address a SET
      address_type_id = v_type_id, database_name = v_given.database_name, schema_name = v_given.schema_name,
      table_name = v_given.table_name, primary_key = v_given.primary_key, deprecated = v_given.deprecated,
      address_metadata = v_given.address_metadata, config_hash = p_config_hash, updated_at = p_now
    -- Unless another call has changed the row since it was read: then it is read again.
    WHERE a.id = v_address.id AND a IS NOT DISTINCT FROM v_address;
    EXIT WHEN FOUND;
  END LOOP;
END
$$;

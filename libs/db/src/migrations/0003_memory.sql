-- Followers read experiences by (transaction id, id); see experience-store.ts.
create index experiences_in_commit_order on experiences (xid, id);
create index experiences_by_tenant_in_commit_order on experiences (tenant_id, xid, id);
drop index experiences_by_tenant;

-- Which vector space the context's embedding lives in; '' = written before this column was.
alter table contexts add column embedder text not null default '';

-- What simulated models did says nothing about real ones of the same name.
alter table statistics add column simulated boolean not null default false;
alter table statistics drop constraint statistics_pkey;
alter table statistics add primary key (tenant_id, dimension, language, model, simulated);

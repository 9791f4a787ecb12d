CREATE TABLE public.orders (
    id bigint NOT NULL,
    total numeric NOT NULL,
    CONSTRAINT total_is_positive CHECK ((total > (0)::numeric))
);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

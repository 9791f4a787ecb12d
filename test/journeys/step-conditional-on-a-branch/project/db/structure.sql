CREATE TABLE public.orders (
    id bigint NOT NULL,
    total numeric NOT NULL,
    status_note text
);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

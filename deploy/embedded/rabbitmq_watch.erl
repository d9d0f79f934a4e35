%% Evaluated inside the broker (`file:script`), see `rabbitmq.py`.
%%
%% Two parts end for good when they cannot write, as on a full disk, and nobody starts them again: the Raft systems, which
%% keep the log of all quorum queues, and Mnesia, which knows what queues and users there are. The broker goes on, and
%% refuses every publication or every connection. So a broker one of whose parts has been gone for five seconds ends, and
%% supervisord starts it. While it starts or stops, its own supervisor is not there or the parts have not been seen yet.
Lost = fun() ->
    Raft = whereis(ra_systems_sup) =/= undefined andalso (catch supervisor:which_children(ra_systems_sup)) =/= [],
    Mnesia = whereis(mnesia_sup) =/= undefined,
    [Part || {Part, false} <- [{"log", Raft}, {"directory", Mnesia}]]
end,
Watch = fun(Watch, Seen, Gone) ->
    timer:sleep(1000),
    case {whereis(rabbit_sup), Lost()} of
        {undefined, _} -> Watch(Watch, Seen, 0);
        {_, []} -> Watch(Watch, true, 0);
        {_, _} when not Seen -> Watch(Watch, Seen, 0);
        {_, _} when Gone < 5 -> Watch(Watch, Seen, Gone + 1);
        {_, [Part | _]} ->
            io:format(standard_error, "the ~s of the queues has ended for good: ending the broker~n", [Part]),
            erlang:halt(1, [{flush, false}])
    end
end,
spawn(fun() -> Watch(Watch, false, 0) end).

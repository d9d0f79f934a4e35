%% Evaluated inside the broker (`file:script`), see `rabbitmq.py`.
%%
%% What writes the log of the quorum queues cannot be trusted once it has met a full disk: Ra starts it again within the
%% broker, goes on, and after the next kill of the broker finds a gap in the logs of some queues, which are then dead for
%% good. On the disk nothing is lost at that moment. So the broker ends with its writers, and supervisord starts it, which
%% reads everything again.
%%
%% Two parts end for good when they cannot write, and nobody starts them again: the Raft systems themselves, and Mnesia,
%% which knows what queues and users there are. The broker goes on, and refuses every publication or every connection. So
%% a broker one of whose parts has been gone for five seconds ends too. While it starts or stops, its own supervisor is
%% not there or the parts have not been seen yet.
End = fun(What) ->
    io:format(standard_error, "~s: ending the broker~n", [What]),
    erlang:halt(1, [{flush, false}])
end,
Guard = fun(Guard, Writer) ->
    case whereis(Writer) of
        undefined -> timer:sleep(100);
        Pid ->
            Reference = monitor(process, Pid),
            receive
                {'DOWN', Reference, process, _, Reason} when Reason =:= normal; Reason =:= shutdown; Reason =:= noproc -> ok;
                {'DOWN', Reference, process, _, {shutdown, _}} -> ok;
                {'DOWN', Reference, process, _, _} -> End(io_lib:format("~s has failed", [Writer]))
            end
    end,
    Guard(Guard, Writer)
end,
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
        {_, [Part | _]} -> End(io_lib:format("the ~s of the queues has ended for good", [Part]))
    end
end,
[spawn(fun() -> Guard(Guard, Writer) end) || Writer <- [ra_log_wal, ra_log_segment_writer]],
spawn(fun() -> Watch(Watch, false, 0) end).

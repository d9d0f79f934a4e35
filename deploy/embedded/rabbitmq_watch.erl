%% Evaluated inside the broker (`file:script`), see `rabbitmq.py`.
%%
%% The Raft systems, which keep the log of all quorum queues, end for good when that log cannot be written a few times,
%% as on a full disk. Nobody starts them again: the broker goes on, refuses every publication and answers every read
%% with an internal error. So a broker whose systems have been gone for five seconds ends, and supervisord starts it.
Watch = fun(Watch, Seen, Gone) ->
    timer:sleep(1000),
    Systems = case whereis(ra_systems_sup) of
        undefined -> stopping;
        _ -> catch supervisor:which_children(ra_systems_sup)
    end,
    case Systems of
        [] when Seen, Gone >= 5 ->
            io:format(standard_error, "the log of the queues has ended for good: ending the broker~n", []),
            erlang:halt(1, [{flush, false}]);
        [] when Seen -> Watch(Watch, Seen, Gone + 1);
        [_ | _] -> Watch(Watch, true, 0);
        _ -> Watch(Watch, Seen, 0)
    end
end,
spawn(fun() -> Watch(Watch, false, 0) end).

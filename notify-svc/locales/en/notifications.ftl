budget-threshold-title = { $name }: { $percent }% of the budget is spent
budget-threshold-body = You have spent { $spent } of { $limit } in the period from { $from } to { $to }.

budget-exceeded-title = { $name }: the budget is spent ({ $percent }%)
budget-exceeded-body = You have spent { $spent }; the limit for the period from { $from } to { $to } is { $limit }.

goal-milestone-title = { $name }: { $percent }% of the way
goal-milestone-body = You have set aside { $current } of { $target }.

goal-reached-title = { $name }: goal reached
goal-reached-body = You have set aside { $current }; your target was { $target }. Well done!

goal-deadline-title = { $days ->
    [0] { $name }: due today
    [1] { $name }: due tomorrow
   *[other] { $name }: due in { $days } days
}
goal-deadline-body = You have set aside { $current } of { $target }; the goal is due on { $due }.

monthly-report-title = Your report for { $month }
monthly-report-body = { $income } came in and { $expense } went out, which is a net of { $net }. Your net worth at the end of the month was { $worth }.
amounts-unpriced = Amounts of { $amounts } could not be converted and are not included.
report-uncategorized = Uncategorized
